(include "timed.ss")

; A substitution is an association list, the newest variable first.
(define (walk subst t)
  (let ([p (and (number? t) (assv t subst))])
    (if p (walk subst (cdr p)) t)))

(define (occurs? subst x t)
  (let ([t (walk subst t)])
    (if (number? t) (= t x) (exists (lambda (u) (occurs? subst x u)) (cdr t)))))

(define (bind subst x t)
  (and (not (occurs? subst x t)) (cons (cons x t) subst)))

(define (unify subst a b)
  (let ([a (walk subst a)] [b (walk subst b)])
    (cond [(number? a) (if (eqv? a b) subst (bind subst a b))]
          [(number? b) (bind subst b a)]
          [(not (and (eq? (car a) (car b)) (= (length a) (length b)))) #f]
          [else
           (fold-left (lambda (found x y) (and found (unify found x y)))
                      subst (cdr a) (cdr b))])))

(define (pairs base n)
  (map (lambda (i) (list 'pair (+ base i) (+ base i))) (iota n)))
(define (variables base n)
  (map (lambda (i) (+ base i 1)) (iota n)))

(define (problem-left n) (cons 'f (append (variables 0 n) (variables 100 n) (list n))))
(define (problem-right n) (cons 'f (append (pairs 0 n) (pairs 100 n) (list (+ 100 n)))))

(define (size subst t)
  (let ([t (walk subst t)])
    (if (number? t) 1
        (fold-left (lambda (n x) (+ n (size subst x))) 1 (cdr t)))))

(define (solve n)
  (let ([subst (unify '() (problem-left n) (problem-right n))])
    (if subst (+ (length subst) (size subst n)) 0)))

(show (fold-left (lambda (acc i) (+ (solve (+ i 1)) (* 3 acc))) 0 (iota 16)))
