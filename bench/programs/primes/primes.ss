(include "timed.ss")

(define (prime? n ps)
  (let ([p (car ps)])
    (cond [(> (* p p) n) #t]
          [(= (modulo n p) 0) #f]
          [else (prime? n (force (cdr ps)))])))

(define (primes-from n)
  (if (prime? n primes)
      (cons n (delay (primes-from (+ n 2))))
      (primes-from (+ n 2))))

(define primes
  (cons 2 (delay (cons 3 (delay (primes-from 5))))))

(define (idx i l)
  (if (= i 0) (car l) (idx (- i 1) (force (cdr l)))))

(show (idx 9999 primes))
