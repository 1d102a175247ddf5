(include "timed.ss")

(define (safe col dist placed)
  (cond [(null? placed) #t]
        [(= col (car placed)) #f]
        [(= col (+ (car placed) dist)) #f]
        [(= (car placed) (+ col dist)) #f]
        [else (safe col (+ dist 1) (cdr placed))]))

(define columns (map (lambda (i) (+ i 1)) (iota 10)))

(define (cat-map f l) (apply append (map f l)))

(define (queens n)
  (if (= n 0) '(())
      (cat-map (lambda (placed)
                 (map (lambda (col) (cons col placed))
                      (filter (lambda (col) (safe col 1 placed)) columns)))
               (queens (- n 1)))))

(show (length (queens 10)))
