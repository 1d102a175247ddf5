(include "timed.ss")

(define (lsh32 x n) (logand (ash x n) #xffffffff))
(define (rsh32 x n) (ash x (- n)))

(define (step x)
  (let* ([x (logxor x (lsh32 x 13))]
         [x (logxor x (rsh32 x 17))])
    (logxor x (lsh32 x 5))))

(define (run i x)
  (if (= i 0) x
      (run (- i 1) (step x))))

(show (run 3000000 2463534242))
