(include "timed.ss")

(define unit 65536)

(define (fixed n) (* n unit))
(define (times a b) (quotient (* a b) unit))
(define (over a b) (quotient (* a unit) b))

(define (int-sqrt n)
  (if (= n 0) 0
      (let go ([guess (ash 1 (quotient (+ 2 (bitwise-length n)) 2))])
        (let ([next (quotient (+ guess (quotient n guess)) 2)])
          (if (>= next guess) guess (go next))))))

(define (root a) (int-sqrt (* a unit)))

(define (vec-map f a)
  (vector (f (vector-ref a 0)) (f (vector-ref a 1)) (f (vector-ref a 2))))
(define (vec-zip f a b)
  (vector (f (vector-ref a 0) (vector-ref b 0))
          (f (vector-ref a 1) (vector-ref b 1))
          (f (vector-ref a 2) (vector-ref b 2))))
(define (plus a b) (vec-zip + a b))
(define (minus a b) (vec-zip - a b))
(define (scale k a) (vec-map (lambda (x) (times k x)) a))
(define (dot a b)
  (let ([p (vec-zip times a b)])
    (+ (vector-ref p 0) (vector-ref p 1) (vector-ref p 2))))
(define (normal a)
  (let ([size (root (dot a a))]) (vec-map (lambda (x) (over x size)) a)))

; A sphere: centre, radius, colour, shine.
(define (sphere x y z radius colour shine)
  (vector (vector (fixed x) (fixed y) (fixed z)) (fixed radius) (fixed colour) shine))

(define spheres
  (list (sphere 0 0 12 3 200 32768)
        (sphere 4 2 10 1 150 16384)
        (sphere -4 1 9 2 100 32768)
        (sphere 1 -104 10 100 60 8192)))

(define light (normal (vector (fixed 3) (fixed 6) (fixed -5))))

(define (distance from ray ball)
  (let* ([offset (minus from (vector-ref ball 0))]
         [radius (vector-ref ball 1)]
         [b (dot offset ray)]
         [c (- (dot offset offset) (times radius radius))]
         [square (- (times b b) c)])
    (if (< square 0) 0
        (let ([near (- (- b) (root square))])
          (if (< near 1024) 0 near)))))

(define (nearest from ray)
  (fold-left
    (lambda (best ball)
      (let ([d (distance from ray ball)])
        (if (or (= d 0) (and best (< (car best) d))) best (cons d ball))))
    #f spheres))

(define (lit? point)
  (for-all (lambda (ball) (= 0 (distance point light ball))) spheres))

(define (colour depth from ray)
  (let ([hit (nearest from ray)])
    (if (not hit) (* 20 (+ (fixed 2) (vector-ref ray 1)))
        (let* ([ball (cdr hit)]
               [point (plus from (scale (car hit) ray))]
               [up (normal (minus point (vector-ref ball 0)))]
               [angle (dot up light)]
               [lit (if (and (>= angle 0) (lit? point)) angle 0)]
               [own (times (vector-ref ball 2) (+ 13107 lit))])
          (if (= depth 0) own
              (let ([mirror (minus ray (scale (* 2 (dot ray up)) up))])
                (+ own (times (vector-ref ball 3) (colour (- depth 1) point mirror)))))))))

(define (pixel size i)
  (let* ([x (- (modulo i size) (quotient size 2))]
         [y (- (quotient size 2) (quotient i size))]
         [ray (normal (vector (quotient (fixed x) size) (quotient (fixed y) size) unit))])
    (quotient (colour 2 '#(0 0 0) ray) unit)))

(define (image size)
  (let go ([i 0] [acc 0])
    (if (= i (* size size)) acc
        (go (+ i 1) (modulo (+ (pixel size i) (* 31 acc)) 1000000007)))))

(show (image 600))
