(include "timed.ss")

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (edges nodes n seed)
  (if (= n 0) '()
      (cons (vector (modulo (quotient seed 64) 1000) (modulo (* seed 7919) nodes)
                    (modulo (quotient seed 8) nodes))
            (edges nodes (- n 1) (random-next seed)))))

(define (before? a b)
  (let go ([i 0])
    (and (< i 3)
         (let ([x (vector-ref a i)] [y (vector-ref b i)])
           (or (< x y) (and (= x y) (go (+ i 1))))))))

(define (find parents x)
  (let ([parent (hashtable-ref parents x #f)])
    (if (= parent x) x (find parents parent))))

(define (union! parents sizes a b)
  (let ([n (hashtable-ref sizes a #f)] [m (hashtable-ref sizes b #f)])
    (if (>= n m)
        (begin (hashtable-set! parents b a) (hashtable-set! sizes a (+ n m)))
        (begin (hashtable-set! parents a b) (hashtable-set! sizes b (+ n m))))))

(define (result nodes n)
  (let ([parents (make-eqv-hashtable)] [sizes (make-eqv-hashtable)])
    (do ([i 0 (+ i 1)]) ((= i nodes))
      (hashtable-set! parents i i)
      (hashtable-set! sizes i 1))
    (let go ([es (list-sort before? (edges nodes n 42))] [total 0] [count nodes])
      (if (null? es) (+ total (* 1000000000 count))
          (let* ([e (car es)]
                 [b (find parents (vector-ref e 1))] [a (find parents (vector-ref e 2))])
            (if (= a b) (go (cdr es) total count)
                (begin
                  (union! parents sizes a b)
                  (go (cdr es) (+ total (vector-ref e 0)) (- count 1)))))))))

(show (result 30000 90000))
