(include "timed.ss")

(define equations (make-eq-hashtable))

(for-each
  (lambda (rule)
    (hashtable-update! equations (caar rule) (lambda (l) (append l (list rule))) '()))
  '(((and 1 2) (if 1 (if 2 (t) (f)) (f)))
    ((or 1 2) (if 1 (t) (if 2 (t) (f))))
    ((not 1) (if 1 (f) (t)))
    ((implies 1 2) (if 1 (if 2 (t) (f)) (t)))
    ((iff 1 2) (and (implies 1 2) (implies 2 1)))
    ((if (if 1 2 3) 4 5) (if 1 (if 2 4 5) (if 3 4 5)))
    ((plus (plus 1 2) 3) (plus 1 (plus 2 3)))
    ((plus (zero) 1) 1)
    ((times (plus 1 2) 3) (plus (times 1 3) (times 2 3)))
    ((times (zero) 1) (zero))
    ((append (append 1 2) 3) (append 1 (append 2 3)))
    ((reverse (append 1 2)) (append (reverse 2) (reverse 1)))
    ((length (append 1 2)) (plus (length 1) (length 2)))
    ((length (reverse 1)) (length 1))
    ((equal (plus 1 2) (plus 1 3)) (equal 2 3))
    ((equal (plus 1 2) (zero)) (and (equal 1 (zero)) (equal 2 (zero))))))

; A substitution as an association list, or #f.
(define (match pattern t subst)
  (cond [(number? pattern)
         (let ([p (assv pattern subst)])
           (cond [(not p) (cons (cons pattern t) subst)]
                 [(equal? (cdr p) t) subst]
                 [else #f]))]
        [(number? t) #f]
        [(and (eq? (car pattern) (car t)) (= (length pattern) (length t)))
         (fold-left (lambda (found p x) (and found (match p x found)))
                    subst (cdr pattern) (cdr t))]
        [else #f]))

(define (substitute subst t)
  (if (number? t) (cdr (assv t subst))
      (cons (car t) (map (lambda (u) (substitute subst u)) (cdr t)))))

(define (rewrite t)
  (if (number? t) t
      (let ([t (cons (car t) (map rewrite (cdr t)))])
        (let try ([rules (hashtable-ref equations (car t) '())])
          (if (null? rules) t
              (let ([subst (match (caar rules) t '())])
                (if subst (rewrite (substitute subst (cadar rules)))
                    (try (cdr rules)))))))))

(define (tautology? true false t)
  (define (holds? x) (or (equal? x '(t)) (member x true)))
  (define (fails? x) (or (equal? x '(f)) (member x false)))
  (cond [(holds? t) #t]
        [(fails? t) #f]
        [(and (pair? t) (eq? 'if (car t)))
         (let ([c (cadr t)] [a (caddr t)] [b (cadddr t)])
           (cond [(holds? c) (tautology? true false a)]
                 [(fails? c) (tautology? true false b)]
                 [else (and (tautology? (cons c true) false a)
                            (tautology? true (cons c false) b))]))]
        [else #f]))

(define (statement i)
  `(equal (plus (plus ,i 901) (length (reverse (append ,i (append 902 ,i)))))
          (plus (plus ,i (times (plus 903 ,i) (plus 904 ,i))) (zero))))

(define (theorem n)
  (define (step i) (list 'implies (statement i) (statement (+ i 1))))
  (let ([hypotheses
         (let go ([i 0])
           (if (= i (- n 1)) (step (+ 1000 i))
               (list 'and (step (+ 1000 i)) (go (+ i 1)))))])
    (list 'implies hypotheses (list 'implies (statement 1000) (statement (+ 1000 n))))))

(define (size t)
  (if (number? t) 1 (apply + 1 (map size (cdr t)))))

(define (result n)
  (let ([t (rewrite (theorem n))])
    (+ (* 1000000 (size t)) (if (tautology? '() '() t) 1 0))))

(show (result 6))
