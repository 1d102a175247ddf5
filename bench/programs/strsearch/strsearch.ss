(include "timed.ss")

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (text n)
  (let ([s (make-string n)])
    (let go ([i 0] [seed 42])
      (if (= i n) s
          (begin
            (string-set! s i (string-ref "abc" (modulo (quotient seed 65536) 3)))
            (go (+ i 1) (random-next seed)))))))

(define (shift word failure j c)
  (cond [(and (< j (string-length word)) (char=? c (string-ref word j))) (+ j 1)]
        [(= j 0) 0]
        [else (shift word failure (vector-ref failure (- j 1)) c)]))

(define (failures word)
  (let ([failure (make-vector (string-length word) 0)])
    (do ([i 1 (+ i 1)]) ((= i (string-length word)) failure)
      (vector-set! failure i
        (shift word failure (vector-ref failure (- i 1)) (string-ref word i))))))

(define (count word text)
  (let ([failure (failures word)] [size (string-length word)] [end (string-length text)])
    (let go ([i 0] [j 0] [found 0])
      (if (= i end) found
          (let ([j (shift word failure j (string-ref text i))])
            (if (= j size)
                (go (+ i 1) (vector-ref failure (- j 1)) (+ found 1))
                (go (+ i 1) j found)))))))

(define (result text)
  (fold-left (lambda (acc word) (+ (count word text) (* 10000 acc))) 0
    '("abacab" "cacabacac" "aaaa" "abcabcab" "bbcbbcbb")))

(show (result (text 800000)))
