(include "timed.ss")

(define program
  '#((push 1) (store 0)
     (load 0) (push 9000) (less 0) (jump-if-not 39)
     (load 0) (store 1) (push 1) (store 2)
     (push 1) (load 1) (less 0) (jump-if-not 28)
     (load 1) (push 2) (mod 0) (jump-if-not 34)
     (load 1) (push 3) (mul 0) (push 1) (add 0) (store 1)
     (load 2) (push 1) (add 0) (jump 44)
     (load 3) (load 2) (less 0) (jump-if-not 46)
     (load 2) (jump 50)
     (load 1) (push 2) (div 0) (store 1) (jump 24)
     (load 3) (halt 0) (halt 0) (halt 0) (halt 0)
     (store 2) (jump 10)
     (load 0) (push 1) (add 0) (jump 1)
     (store 3) (jump 46)))

; A new vector, as the variables are a value in the other languages.
(define (put v i x)
  (let ([w (vector-copy v)])
    (vector-set! w i x)
    w))

(define (run code pc stack vars)
  (define (go stack vars) (run code (+ pc 1) stack vars))
  (define (binary f) (go (cons (f (cadr stack) (car stack)) (cddr stack)) vars))
  (let ([instruction (vector-ref code pc)])
    (let ([arg (cadr instruction)])
      (case (car instruction)
        [(push) (go (cons arg stack) vars)]
        [(load) (go (cons (vector-ref vars arg) stack) vars)]
        [(store) (go (cdr stack) (put vars arg (car stack)))]
        [(add) (binary +)]
        [(mul) (binary *)]
        [(div) (binary quotient)]
        [(mod) (binary modulo)]
        [(less) (binary (lambda (x y) (if (< x y) 1 0)))]
        [(jump) (run code arg stack vars)]
        [(jump-if-not)
         (if (= 0 (car stack)) (run code arg (cdr stack) vars) (go (cdr stack) vars))]
        [(halt) (car stack)]))))

(show (run program 0 '() (vector 0 0 0 0)))
