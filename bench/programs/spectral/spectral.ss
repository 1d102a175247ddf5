(include "timed.ss")

(define size 500)

(define (entry i j)
  (let ([k (+ i j)])
    (+ 1 i (quotient (* k (+ k 1)) 2))))

(define (gen f)
  (let ([v (make-vector size)])
    (do ([i 0 (+ i 1)]) ((= i size) v) (vector-set! v i (f i)))))

(define (sum v)
  (let go ([i 0] [acc 0])
    (if (= i size) acc (go (+ i 1) (+ acc (vector-ref v i))))))

(define (times v)
  (gen (lambda (i) (sum (vector-map quotient v (gen (lambda (j) (entry i j))))))))

(define (times-transposed v)
  (gen (lambda (i) (sum (vector-map quotient v (gen (lambda (j) (entry j i))))))))

(define (step v) (times-transposed (times v)))

(define (dot a b) (sum (vector-map * a b)))

(define (int-sqrt n)
  (let go ([guess (ash 1 (quotient (+ 2 (bitwise-length n)) 2))])
    (let ([next (quotient (+ guess (quotient n guess)) 2)])
      (if (>= next guess) guess (go next)))))

(define (norm rounds)
  (let* ([u (let go ([i 0] [u (gen (lambda (i) 1000000000))])
              (if (= i rounds) u (go (+ i 1) (step u))))]
         [v (step u)])
    (int-sqrt (quotient (* (dot u v) (expt 10 18)) (dot u u)))))

(show (norm 10))
