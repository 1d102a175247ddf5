(include "timed.ss")

(define grammar
  '#((expr expr #\+ expr)
     (expr expr #\* expr)
     (expr term)
     (term #\( expr #\))
     (term digit)
     (digit #\0)
     (digit #\1)
     (digit #\2)))

(define (by-head symbol)
  (filter (lambda (i) (eq? symbol (car (vector-ref grammar i)))) (iota (vector-length grammar))))

; The symbol after the dot; #f at the end.
(define (after-dot item)
  (let ([rest (list-tail (cdr (vector-ref grammar (car item))) (cadr item))])
    (and (pair? rest) (car rest))))

(define (advance item) (list (car item) (+ 1 (cadr item)) (caddr item)))

; A set has its items in a list, and in a hash table.
(define (item-hash item) (+ (car item) (* 8 (cadr item)) (* 64 (caddr item))))

(define (follow sets i seen item)
  (let ([symbol (after-dot item)] [origin (caddr item)])
    (if symbol
        (if (symbol? symbol) (map (lambda (p) (list p 0 i)) (by-head symbol)) '())
        (let ([head (car (vector-ref grammar (car item)))])
          (map advance
            (filter (lambda (waiting) (eq? head (after-dot waiting)))
                    (if (= origin i) seen (hashtable-ref sets origin '()))))))))

(define (close sets i work)
  (let ([known (make-hashtable item-hash equal?)])
    (let go ([seen '()] [work work])
      (cond [(null? work) seen]
            [(hashtable-contains? known (car work)) (go seen (cdr work))]
            [else
             (let ([seen (cons (car work) seen)])
               (hashtable-set! known (car work) #t)
               (go seen (append (follow sets i seen (car work)) (cdr work))))]))))

(define (parse text)
  (let ([sets (make-eqv-hashtable)])
    (let go ([i 0] [text (string->list text)] [work '((2 0 0) (1 0 0) (0 0 0))])
      (let ([set (close sets i work)])
        (hashtable-set! sets i set)
        (if (null? text) sets
            (go (+ i 1) (cdr text)
              (map advance
                (filter (lambda (item) (eqv? (car text) (after-dot item))) set))))))))

(define (parse? item)
  (and (= 0 (caddr item)) (not (after-dot item))
       (eq? 'expr (car (vector-ref grammar (car item))))))

(define (sentence n)
  (if (= n 0) "1" (string-append "(2+1)*" (sentence (- n 1)))))

(define (result text)
  (let* ([sets (parse text)]
         [all (apply + (map length (vector->list (hashtable-cells-values sets))))])
    (+ (* 1000 all)
       (length (filter parse? (hashtable-ref sets (string-length text) '()))))))

(define (hashtable-cells-values table)
  (let-values ([(keys values) (hashtable-entries table)]) values))

(show (result (sentence 180)))
