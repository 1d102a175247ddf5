(include "timed.ss")

(define (flips perm)
  (let go ([count 0] [perm perm])
    (let ([first (car perm)])
      (if (= first 1) count
          (go (+ count 1)
              (append (reverse (list-head perm first)) (list-tail perm first)))))))

(define (rotate n perm)
  (let ([rest (cdr perm)])
    (append (list-head rest (- n 1)) (cons (car perm) (list-tail rest (- n 1))))))

(define (visit acc perm)
  (let ([index (vector-ref acc 0)] [even (vector-ref acc 1)] [odd (vector-ref acc 2)]
        [most (vector-ref acc 3)] [count (flips perm)])
    (if (odd? index)
        (vector (+ index 1) even (+ odd count) (max most count))
        (vector (+ index 1) (+ even count) odd (max most count)))))

(define (walk n acc perm)
  (if (= n 1) (visit acc perm)
      (let go ([i n] [acc acc] [perm perm])
        (if (= i 0) acc
            (go (- i 1) (walk (- n 1) acc perm) (rotate n perm))))))

(define (result n)
  (let ([acc (walk n '#(0 0 0 0) (map (lambda (i) (+ i 1)) (iota n)))])
    (+ (vector-ref acc 3) (* 1000 (- (vector-ref acc 1) (vector-ref acc 2))))))

(show (result 9))
