(include "timed.ss")

(define unit 16777216)

(define (times a b) (quotient (* a b) unit))

; How many of n steps are left when the point leaves the circle of radius 2.
(define (escape n x y cx cy)
  (if (= n 0) 0
      (let ([xx (times x x)] [yy (times y y)])
        (if (> (+ xx yy) (* 4 unit)) n
            (escape (- n 1) (+ (- xx yy) cx) (+ (* 2 (times x y)) cy) cx cy)))))

(define (pixel size i)
  (let ([cx (- (quotient (* 3 unit (modulo i size)) size) (* 2 unit))]
        [cy (- (quotient (* 2 unit (quotient i size)) size) unit)])
    (escape 50 0 0 cx cy)))

(define (image i size acc)
  (if (= i 0) acc
      (image (- i 1) size (+ acc (pixel size (- i 1))))))

(show (image 1000000 1000 0))
