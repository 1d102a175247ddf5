(include "timed.ss")

(define unit 1000000)

(define bodies
  (list
    (vector 39478418 '#(0 0 0) '#(0 0 0))
    (vector 37694 '#(4841431 -1160320 -103622) '#(606326 2811987 -25218))
    (vector 11286 '#(8343367 4124799 -403523) '#(-1010774 1825662 8416))
    (vector 1724 '#(12894370 -15111151 -223308) '#(1082791 868713 -10833))
    (vector 2034 '#(15379697 -25919315 179259) '#(979091 594699 -34756))))

(define (isqrt x)
  (if (= x 0) 0
      (let go ([guess (ash 1 (quotient (+ 2 (bitwise-length x)) 2))])
        (let ([next (quotient (+ guess (quotient x guess)) 2)])
          (if (>= next guess) guess (go next))))))

(define (vec-map f a)
  (vector (f (vector-ref a 0)) (f (vector-ref a 1)) (f (vector-ref a 2))))
(define (vec-zip f a b)
  (vector (f (vector-ref a 0) (vector-ref b 0))
          (f (vector-ref a 1) (vector-ref b 1))
          (f (vector-ref a 2) (vector-ref b 2))))
(define (dot a b)
  (let ([p (vec-zip * a b)])
    (+ (vector-ref p 0) (vector-ref p 1) (vector-ref p 2))))

(define (pull position body)
  (let* ([mass (vector-ref body 0)]
         [offset (vec-zip - (vector-ref body 1) position)]
         [square (dot offset offset)])
    (if (= square 0) '#(0 0 0)
        (let* ([distance (isqrt square)]
               [cube (quotient (* (quotient square unit) distance) unit)]
               [factor (quotient 10000000000000000 cube)])
          (vec-map (lambda (d) (quotient (* (quotient (* d mass) unit) factor) 1000000000000))
                   offset)))))

(define (accelerate bodies body)
  (let ([position (vector-ref body 1)])
    (vector (vector-ref body 0) position
            (fold-left (lambda (v other) (vec-zip + v (pull position other)))
                       (vector-ref body 2) bodies))))

(define (move body)
  (let ([velocity (vector-ref body 2)])
    (vector (vector-ref body 0)
            (vec-zip + (vector-ref body 1) (vec-map (lambda (v) (quotient v 100)) velocity))
            velocity)))

(define (run steps bodies)
  (if (= steps 0) bodies
      (run (- steps 1) (map (lambda (b) (move (accelerate bodies b))) bodies))))

(define (check bodies)
  (fold-left (lambda (acc x) (modulo (+ (abs x) (* 31 acc)) 1000003)) 0
    (apply append
      (map (lambda (b) (append (vector->list (vector-ref b 1)) (vector->list (vector-ref b 2))))
           bodies))))

(show (check (run 80000 bodies)))
