(include "timed.ss")

(define (factorial n)
  (if (= n 0) 1
      (* n (factorial (- n 1)))))

(show (modulo (+ (factorial 10000) (expt 3 2000000)) 1000000007))
