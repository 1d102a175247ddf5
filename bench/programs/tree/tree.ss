(include "timed.ss")

(define (build depth n)
  (if (= depth 0) n
      (cons (build (- depth 1) (* 2 n)) (build (- depth 1) (+ 1 (* 2 n))))))

(define (fold tree)
  (if (pair? tree) (+ (fold (car tree)) (fold (cdr tree))) tree))

(define (rounds i acc)
  (if (= i 0) acc
      (rounds (- i 1) (+ acc (fold (build 16 i))))))

(show (rounds 20 0))
