(include "timed.ss")

(define (insertions x l)
  (if (null? l) (list (list x))
      (cons (cons x l) (map (lambda (r) (cons (car l) r)) (insertions x (cdr l))))))

(define (permutations l)
  (if (null? l) '(())
      (apply append (map (lambda (p) (insertions (car l) p)) (permutations (cdr l))))))

(define (edges n)
  (apply append (map (lambda (b) (map (lambda (a) (cons a b)) (iota b))) (iota n))))

(define (bit-of a b)
  (let ([low (min a b)] [high (max a b)])
    (ash 1 (+ low (quotient (* high (- high 1)) 2)))))

(define (moves n)
  (let ([es (edges n)])
    (map (lambda (p)
           (let ([p (list->vector p)])
             (list->vector
               (map (lambda (e) (bit-of (vector-ref p (car e)) (vector-ref p (cdr e)))) es))))
         (permutations (iota n)))))

(define (moved graph bits)
  (let ([n (vector-length bits)])
    (let go ([i 0] [acc 0])
      (if (= i n) acc
          (go (+ i 1) (if (bitwise-bit-set? graph i) (+ acc (vector-ref bits i)) acc))))))

(define (least ms graph)
  (fold-left (lambda (best bits) (min best (moved graph bits))) graph ms))

(define (classes n)
  (let ([ms (moves n)] [set (make-eqv-hashtable)])
    (do ([graph 0 (+ graph 8)]) ((= graph (ash 1 (length (edges n)))) 
      (fold-left (lambda (acc graph) (modulo (+ graph (* 31 acc)) 1000000007)) 0
        (list-sort < (vector->list (hashtable-keys set)))))
      (hashtable-set! set (least ms graph) #t))))

(show (classes 6))
