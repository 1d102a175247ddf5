(include "timed.ss")

(define size 91)

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (vector-gen n f)
  (let ([v (make-vector n)])
    (do ([i 0 (+ i 1)]) ((= i n) v) (vector-set! v i (f i)))))

(define start
  (vector-gen (* size size)
    (lambda (i)
      (if (and (odd? (modulo i size)) (odd? (quotient i size))) (+ i 1) 0))))

(define walls
  (filter (lambda (w) (not (= 0 (cdr w))))
    (map (lambda (i)
           (let ([x (modulo i size)] [y (quotient i size)])
             (cons i
               (cond [(or (= x 0) (= y 0) (= x (- size 1)) (= y (- size 1))) 0]
                     [(and (odd? y) (even? x)) 1]
                     [(and (odd? x) (even? y)) size]
                     [else 0]))))
         (iota (* size size)))))

(define (shuffle seed l)
  (define (go seed l)
    (if (null? l) '()
        (let ([next (random-next seed)])
          (cons (cons next (car l)) (go next (cdr l))))))
  (define (before? a b)
    (or (< (car a) (car b)) (and (= (car a) (car b)) (< (cadr a) (cadr b)))))
  (map cdr (list-sort before? (go seed l))))

(define (open grid wall)
  (let ([a (vector-ref grid (- (car wall) (cdr wall)))]
        [b (vector-ref grid (+ (car wall) (cdr wall)))])
    (if (= a b) grid
        (let ([grid (vector-map (lambda (c) (if (= c b) a c)) grid)])
          (vector-set! grid (car wall) a)
          grid))))

(define (check grid)
  (let go ([i 0] [acc 0])
    (if (= i (vector-length grid)) acc
        (go (+ i 1)
            (if (= 0 (vector-ref grid i)) acc (modulo (+ i (* 31 acc)) 1000003))))))

(show (check (fold-left open start (shuffle 42 walls))))
