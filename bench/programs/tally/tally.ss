(include "timed.ss")

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (name n) (string-append "sensor-" (number->string (modulo n 300))))

(define (readings n)
  (let go ([n n] [seed 42])
    (if (= n 0)
        '()
        (cons (cons (name (quotient seed 65536)) (modulo (quotient seed 256) 997))
          (go (- n 1) (random-next seed))))))

(define (sums lst)
  (let ([table (make-hashtable string-hash string=?)])
    (for-each
      (lambda (r)
        (hashtable-set! table (car r) (+ (cdr r) (hashtable-ref table (car r) 0))))
      lst)
    table))

(define (histogram lst)
  (let ([row (make-vector 997 0)])
    (for-each (lambda (r) (vector-set! row (cdr r) (+ 1 (vector-ref row (cdr r))))) lst)
    row))

(define (totals row)
  (let go ([i 0] [sum 0])
    (if (= i (vector-length row))
        row
        (let ([sum (+ sum (vector-ref row i))])
          (vector-set! row i sum)
          (go (+ i 1) sum)))))

; Names are ordered as numbers: by length first, then by their last characters first.
(define (before? a b)
  (let ([m (string-length a)] [n (string-length b)])
    (or (< m n)
        (and (= m n)
             (let go ([i (- n 1)])
               (and (>= i 0)
                    (let ([x (string-ref a i)] [y (string-ref b i)])
                      (or (char<? x y) (and (char=? x y) (go (- i 1)))))))))))

(define (check lst)
  (fold-left (lambda (acc n) (modulo (+ n (* 31 acc)) 1000003)) 0 lst))

(define (values-by-name table)
  (let-values ([(ks vs) (hashtable-entries table)])
    (map cdr (list-sort (lambda (a b) (before? (car a) (car b)))
               (map cons (vector->list ks) (vector->list vs))))))

(define (result n)
  (let ([lst (readings n)])
    (+ (check (values-by-name (sums lst)))
       (* 1000003 (check (vector->list (totals (histogram lst))))))))

(show (result 100000))
