(include "timed.ss")

(define prime 1000003)

(define (gen n f)
  (let ([v (make-vector n)])
    (do ([i 0 (+ i 1)]) ((= i n) v) (vector-set! v i (f i)))))

(define (transpose m)
  (gen (vector-length (vector-ref m 0))
       (lambda (j) (vector-map (lambda (row) (vector-ref row j)) m))))

(define (sum v)
  (let ([n (vector-length v)])
    (let go ([i 0] [acc 0]) (if (= i n) acc (go (+ i 1) (+ acc (vector-ref v i)))))))

(define (dot a b) (modulo (sum (vector-map * a b)) prime))

(define (product a b)
  (let ([columns (transpose b)])
    (vector-map (lambda (row) (vector-map (lambda (c) (dot row c)) columns)) a)))

(define (pow-mod a n)
  (if (= n 0) 1
      (let ([half (pow-mod (modulo (* a a) prime) (quotient n 2))])
        (if (odd? n) (modulo (* a half) prime) half))))

(define (inverse a) (pow-mod a (- prime 2)))

(define (vector-drop1 v) (gen (- (vector-length v) 1) (lambda (i) (vector-ref v (+ i 1)))))

(define (eliminate pivot inv row)
  (let ([factor (modulo (* (vector-ref row 0) inv) prime)])
    (vector-drop1
      (vector-map (lambda (x p) (modulo (+ x (* (- prime factor) p)) prime)) row pivot))))

(define (determinant m)
  (if (null? m) 1
      (let go ([before '()] [after m] [i 0])
        (cond [(null? after) 0]
              [(= 0 (vector-ref (car after) 0))
               (go (cons (car after) before) (cdr after) (+ i 1))]
              [else
               (let* ([pivot (car after)] [first (vector-ref pivot 0)] [inv (inverse first)])
                 (modulo
                   (* (if (odd? i) (- prime first) first)
                      (determinant
                        (map (lambda (row) (eliminate pivot inv row))
                             (append (reverse before) (cdr after)))))
                   prime))]))))

(define (start n)
  (gen n (lambda (i)
    (gen n (lambda (j) (modulo (* (+ 12345 (* 7919 i)) (+ 6789 (* 104729 j))) 10007))))))

(define (result n rounds)
  (let ([m (start n)])
    (let go ([acc 0] [power m] [k rounds])
      (if (= k 0) acc
          (let ([next (product power m)])
            (go (+ acc (determinant (vector->list next))) next (- k 1)))))))

(show (result 90 10))
