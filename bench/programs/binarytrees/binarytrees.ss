(include "timed.ss")

(define (make depth)
  (if (= depth 0) (cons #f #f)
      (cons (make (- depth 1)) (make (- depth 1)))))

(define (check tree)
  (if (car tree) (+ 1 (check (car tree)) (check (cdr tree))) 1))

(define min-depth 4)
(define max-depth 16)

(define (sum-to n f)
  (let go ([acc 0] [n n])
    (if (= n 0) acc (go (+ acc (f n)) (- n 1)))))

(define (checks depth)
  (sum-to (expt 2 (- (+ max-depth min-depth) depth))
          (lambda (n) (check (make depth)))))

(define result
  (let ([long (make max-depth)])
    (let go ([d min-depth] [acc (check (make (+ max-depth 1)))])
      (if (> d max-depth)
          (+ (* 7 acc) (check long))
          (go (+ d 2) (+ (checks d) (* 7 acc)))))))

(show result)
