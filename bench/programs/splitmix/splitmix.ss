(include "timed.ss")

(define mask #xffffffffffffffff)
(define (word x) (logand x mask))
(define (rsh x n) (ash x (- n)))

(define (mixed state)
  (let* ([a (word (* (logxor state (rsh state 30)) 13787848793156543929))]
         [b (word (* (logxor a (rsh a 27)) 10723151780598845931))])
    (logxor b (rsh b 31))))

(define (rotated x n)
  (logor (word (ash x n)) (rsh x (- 64 n))))

(define (run n state hash)
  (if (= n 0) hash
      (let ([state (word (+ state 11400714819323198485))])
        (run (- n 1) state (word (+ (rotated hash 5) (mixed state)))))))

(show (run 20000000 1 0))
