(include "timed.ss")

(define (wall? x y) (= 0 (modulo (+ (* x x) (* 7 y)) 11)))

(define (cell table x y) (hashtable-ref table (cons x y) 0))

(define (ways table x y)
  (cond [(= 0 (+ x y)) 1]
        [(wall? x y) 0]
        [else
         (modulo
           (+ (if (= x 0) 0 (cell table (- x 1) y))
              (if (= y 0) 0 (cell table x (- y 1))))
           1000007)]))

(define (fill n)
  (let ([table (make-hashtable equal-hash equal?)])
    (let go ([i 0])
      (if (= i (* n n))
          table
          (let ([x (modulo i n)] [y (quotient i n)])
            (hashtable-set! table (cons x y) (ways table x y))
            (go (+ i 1)))))))

; In the order of the keys in `pallas`: the last coordinate first.
(define (check table n)
  (let go ([i 0] [acc 0])
    (if (= i (* n n))
        acc
        (let ([x (modulo i n)] [y (quotient i n)])
          (go (+ i 1)
            (modulo (+ (cell table x y) (* 31 (+ acc (+ x (* 3 y))))) 1000003))))))

(show (+ 1000000000000 (check (fill 200) 200)))
