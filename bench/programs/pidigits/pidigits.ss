(include "timed.ss")

(define (digits n)
  (let go ([n n] [k 1] [num 1] [above 3] [den 1] [check 0])
    (if (= n 0) check
        (let* ([digit (quotient above den)]
               [rest (- above (* digit den))])
          (if (< (+ rest num) den)
              (go (- n 1) k (* 10 num) (* 10 rest) den
                  (modulo (+ digit (* 31 check)) 1000003))
              (let ([odds (+ 1 (* 2 k))])
                (go n (+ k 1) (* num k) (+ (* above odds) (* num (- k 1))) (* den odds)
                    check)))))))

(show (digits 3500))
