(include "timed.ss")

(define (loop i acc)
  (if (= i 0) acc
      (loop (- i 1) (+ acc (modulo i 7)))))

(show (loop 10000000 0))
