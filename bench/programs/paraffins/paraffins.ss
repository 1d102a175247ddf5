(include "timed.ss")

(define (for-each-append l f) (apply append (map f l)))
(define (range a end) (if (> a end) '() (cons a (range (+ a 1) end))))
(define (tails l) (if (null? l) '() (cons l (tails (cdr l)))))

; (all ([x list] ...) result): the list of the results, as of a list comprehension.
(define-syntax all
  (syntax-rules ()
    [(_ () result) (list result)]
    [(_ ([x l] more ...) result) (for-each-append l (lambda (x) (all (more ...) result)))]))

(define (choices rads i j is)
  (tails (if (= i j) is (vector-ref rads j))))

(define (radicals rads n)
  (let ([rest (- n 1)])
    (all ([i (range 0 (quotient rest 3))]
          [j (range i (quotient (- rest i) 2))]
          [is (tails (vector-ref rads i))]
          [js (choices rads i j is)]
          [ks (choices rads j (- rest i j) js)])
      (vector (car is) (car js) (car ks)))))

(define (radicals-to n)
  (let ([rads (make-vector (+ n 1) '(0))])
    (do ([i 1 (+ i 1)]) ((> i n) rads)
      (vector-set! rads i (radicals rads i)))))

(define (bond-centred rads n)
  (if (odd? n) '()
      (all ([is (tails (vector-ref rads (quotient n 2)))] [js (tails is)])
        (vector (car is) (car js)))))

(define (atom-centred rads n)
  (let ([rest (- n 1)])
    (all ([i (range 0 (quotient rest 4))]
          [j (range i (quotient (- rest i) 3))]
          [k (range (max j (- rest i j (quotient rest 2))) (quotient (- rest i j) 2))]
          [is (tails (vector-ref rads i))]
          [js (choices rads i j is)]
          [ks (choices rads j k js)]
          [ls (choices rads k (- rest i j k) ks)])
      (vector (car is) (car js) (car ks) (car ls)))))

(define (height tree)
  (if (eq? tree 0) 0
      (let go ([i 0] [most 0])
        (if (= i (vector-length tree)) (+ 1 most)
            (go (+ i 1) (max most (height (vector-ref tree i))))))))

(define (total rads n)
  (fold-left (lambda (acc p) (+ acc (height p))) 0
             (append (bond-centred rads n) (atom-centred rads n))))

(show (total (radicals-to 10) 20))
