(include "timed.ss")

(define (tak x y z return)
  (if (not (< y x)) (return z)
      (tak (- x 1) y z (lambda (a)
        (tak (- y 1) z x (lambda (b)
          (tak (- z 1) x y (lambda (c)
            (tak a b c return)))))))))

(show (tak 32 22 12 (lambda (x) x)))
