(include "timed.ss")

(define (gen n f)
  (let ([v (make-vector n)])
    (do ([i 0 (+ i 1)]) ((= i n) v)
      (vector-set! v i (f i)))))

(define (rev v)
  (let ([n (vector-length v)])
    (gen n (lambda (i) (vector-ref v (- n i 1))))))

(define (weld a b)
  (let ([n (vector-length a)])
    (gen (+ n (vector-length b))
         (lambda (i) (if (< i n) (vector-ref a i) (vector-ref b (- i n)))))))

(define (foldl f z v)
  (let ([n (vector-length v)])
    (let go ([i 0] [acc z])
      (if (= i n) acc (go (+ i 1) (f acc (vector-ref v i)))))))

(define (once k)
  (let ([row (rev (vector-map (lambda (x) (+ 3 x)) (gen 20000 (lambda (i) (+ k i)))))])
    (foldl + 0 (weld row row))))

(define (rounds i acc)
  (if (= i 0) acc
      (rounds (- i 1) (+ acc (once i)))))

(show (rounds 20 0))
