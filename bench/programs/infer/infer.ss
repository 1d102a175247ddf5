(include "timed.ss")

; A type is a number, for a variable, or a list (constructor type ..). The substitution is a hash
; table; names and the environment are symbols and an association list.
(define subst (make-eqv-hashtable))
(define next 0)

(define (fresh!) (set! next (+ next 1)) (- next 1))

(define (walk t)
  (if (number? t)
      (let ([u (hashtable-ref subst t #f)]) (if u (walk u) t))
      t))

(define (resolve t)
  (let ([t (walk t)])
    (if (number? t) t (cons (car t) (map resolve (cdr t))))))

(define (union a b)
  (fold-left (lambda (set x) (if (memv x set) set (cons x set))) b a))
(define (difference a b) (filter (lambda (x) (not (memv x b))) a))

(define (free t)
  (if (number? t) (list t) (fold-left union '() (map free (cdr t)))))

(define (bind! x t)
  (let ([t (resolve t)])
    (cond [(eqv? t x) (void)]
          [(memv x (free t)) (error 'bind "infinite type")]
          [else (hashtable-set! subst x t)])))

(define (unify! a b)
  (let ([a (walk a)] [b (walk b)])
    (cond [(number? a) (bind! a b)]
          [(number? b) (bind! b a)]
          [(not (eq? (car a) (car b))) (error 'unify "different types")]
          [else (for-each unify! (cdr a) (cdr b))])))

; A scheme is (variables . type).
(define (instantiate scheme)
  (let* ([names (map (lambda (x) (cons x (fresh!))) (car scheme))])
    (let go ([t (cdr scheme)])
      (if (number? t)
          (let ([p (assv t names)]) (if p (cdr p) t))
          (cons (car t) (map go (cdr t)))))))

(define (generalise env t)
  (let ([t (resolve t)]
        [bound (fold-left
                 (lambda (bound p)
                   (union (difference (free (resolve (cddr p))) (cadr p)) bound))
                 '() env)])
    (cons (difference (free t) bound) t)))

(define (infer env e)
  (case (car e)
    [(num) '(int)]
    [(var) (instantiate (cdr (assq (cadr e) env)))]
    [(lam)
     (let* ([x (fresh!)] [t (infer (cons (cons (cadr e) (cons '() x)) env) (caddr e))])
       (list 'fun x t))]
    [(app)
     (let* ([f (infer env (cadr e))] [arg (infer env (caddr e))] [result (fresh!)])
       (unify! f (list 'fun arg result))
       result)]
    [(let)
     (let ([scheme (generalise env (infer env (caddr e)))])
       (infer (cons (cons (cadr e) scheme) env) (cadddr e)))]))

(define (call f . xs)
  (fold-left (lambda (e x) (list 'app e (list 'var x))) (list 'var f) xs))

(define successor
  `(lam n (lam f (lam x (app (var f) ,(call 'n 'f 'x))))))

(define (numeral i) (string->symbol (string-append "c" (number->string i))))

(define (program count)
  `(let succ ,successor
     (let c0 (lam f (lam x (var x)))
       ,(let go ([i 0])
          (if (= i count)
              `(lam f (lam x ,(call (numeral i) 'f 'x)))
              `(let ,(numeral (+ i 1)) ,(call 'succ (numeral i)) ,(go (+ i 1))))))))

(define (size t)
  (if (number? t) 1 (apply + 1 (map size (cdr t)))))

(define (result count)
  (let ([t (infer '() (program count))])
    (+ (size (resolve t)) (* 1000000 (+ next (hashtable-size subst))))))

(show (result 800))
