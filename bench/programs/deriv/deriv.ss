(include "timed.ss")

(define (num n) (list 'num n))
(define (num? e) (eq? (car e) 'num))
(define (is? n e) (and (num? e) (= n (cadr e))))

(define (plus a b)
  (cond [(is? 0 a) b]
        [(is? 0 b) a]
        [(and (num? a) (num? b)) (num (+ (cadr a) (cadr b)))]
        [else (list 'add a b)]))

(define (times a b)
  (cond [(or (is? 0 a) (is? 0 b)) (num 0)]
        [(is? 1 a) b]
        [(is? 1 b) a]
        [(and (num? a) (num? b)) (num (* (cadr a) (cadr b)))]
        [else (list 'mul a b)]))

(define (power a n)
  (cond [(= n 0) (num 1)] [(= n 1) a] [else (list 'pow a n)]))

(define (deriv e)
  (case (car e)
    [(num) (num 0)]
    [(var) (num 1)]
    [(add) (plus (deriv (cadr e)) (deriv (caddr e)))]
    [(mul) (plus (times (cadr e) (deriv (caddr e))) (times (deriv (cadr e)) (caddr e)))]
    [(pow) (times (times (num (caddr e)) (power (cadr e) (- (caddr e) 1))) (deriv (cadr e)))]))

(define (eval-at x e)
  (modulo
    (case (car e)
      [(num) (cadr e)]
      [(var) x]
      [(add) (+ (eval-at x (cadr e)) (eval-at x (caddr e)))]
      [(mul) (* (eval-at x (cadr e)) (eval-at x (caddr e)))]
      [(pow) (expt (eval-at x (cadr e)) (caddr e))])
    1000003))

(define (polynomial k)
  (let* ([x '(var)]
         [shifted (plus x (num k))]
         [cubic (plus (times (num k) (power x 3)) (plus x (num 7)))])
    (plus (times (power shifted 5) cubic) (power x 4))))

(define (rounds k acc)
  (if (= k 0) acc
      (rounds (- k 1)
              (+ acc (eval-at k (deriv (deriv (deriv (deriv (polynomial k))))))))))

(show (rounds 15000 0))
