(include "timed.ss")

(define-record-type closure (fields name body env))

(define (primitive op x y)
  (case op
    [(add) (+ x y)]
    [(sub) (max 0 (- x y))]
    [(mul) (modulo (* x y) 1000003)]
    [(less) (if (< x y) 1 0)]
    [else (error 'primitive "no such operation")]))

; A term is a list that begins with its kind; an environment is an association list.
(define (eval-term env term)
  (case (car term)
    [(var) (cdr (assq (cadr term) env))]
    [(num) (cadr term)]
    [(lambda) (make-closure (cadr term) (caddr term) env)]
    [(prim) (primitive (cadr term) (eval-term env (caddr term)) (eval-term env (cadddr term)))]
    [(when) (if (= 0 (eval-term env (cadr term)))
                (eval-term env (cadddr term))
                (eval-term env (caddr term)))]
    [else
     (let* ([argument (eval-term env (caddr term))] [f (eval-term env (cadr term))])
       (eval-term (cons (cons (closure-name f) argument) (closure-env f)) (closure-body f)))]))

(define (v x) (list 'var x))
(define (num n) (list 'num n))
(define (app f x) (list 'app f x))
(define (app2 f x y) (app (app f x) y))
(define (lam x b) (list 'lambda x b))
(define (lam2 x y b) (lam x (lam y b)))
(define (prim op a b) (list 'prim op a b))

(define z
  (let ([half (lam 'x (app (v 'f) (lam 'y (app2 (v 'x) (v 'x) (v 'y)))))])
    (lam 'f (app half half))))

(define fib
  (app z (lam2 'self 'n
    (list 'when (prim 'less (v 'n) (num 2)) (v 'n)
      (prim 'add (app (v 'self) (prim 'sub (v 'n) (num 1)))
                 (app (v 'self) (prim 'sub (v 'n) (num 2))))))))

(define (church n)
  (lam2 's 'z (let go ([n n]) (if (= n 0) (v 'z) (app (v 's) (go (- n 1)))))))
(define power (lam2 'a 'b (app (v 'b) (v 'a))))
(define to-number (lam 'c (app2 (v 'c) (lam 'i (prim 'add (v 'i) (num 1))) (num 0))))

(show (eval-term '()
  (prim 'add (app fib (num 25)) (app to-number (app2 power (church 4) (church 8))))))
