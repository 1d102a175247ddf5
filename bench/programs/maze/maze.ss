(include "timed.ss")

(define width 300)
(define height 300)

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (neighbours cell)
  (let ([x (modulo cell width)] [y (quotient cell width)])
    (append
      (if (= x 0) '() (list (- cell 1)))
      (if (= y 0) '() (list (- cell width)))
      (if (= (+ x 1) width) '() (list (+ cell 1)))
      (if (= (+ y 1) height) '() (list (+ cell width))))))

(define (connect! maze a b)
  (hashtable-update! maze a (lambda (l) (cons b l)) '())
  (hashtable-update! maze b (lambda (l) (cons a l)) '()))

(define (carve)
  (let ([maze (make-eqv-hashtable)])
    (let go ([seed 42] [stack '(0)])
      (if (null? stack) maze
          (let* ([cell (car stack)]
                 [fresh (filter (lambda (c) (not (hashtable-contains? maze c))) (neighbours cell))]
                 [seed (random-next seed)])
            (if (null? fresh) (go seed (cdr stack))
                (let ([next (list-ref fresh (modulo (quotient seed 65536) (length fresh)))])
                  (connect! maze cell next)
                  (go seed (cons next stack)))))))))

(define (explore maze)
  (let ([known (make-eqv-hashtable)])
    (let go ([distance 0] [cells '(0)])
      (if (null? cells) known
          (begin
            (for-each (lambda (c) (hashtable-set! known c distance)) cells)
            (go (+ distance 1)
              (filter (lambda (c) (not (hashtable-contains? known c)))
                (apply append (map (lambda (c) (hashtable-ref maze c '())) cells)))))))))

(define (result maze)
  (let ([known (explore maze)])
    (fold-left (lambda (acc c) (modulo (+ (hashtable-ref known c #f) (* 31 acc)) 1000003))
      1000000000 (list-sort < (vector->list (hashtable-keys known))))))

(show (result (carve)))
