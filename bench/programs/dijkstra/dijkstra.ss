(include "timed.ss")

(define nodes 20000)

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (edges node)
  (let go ([i 0] [seed (* 7919 (+ node 1))])
    (if (= i 5) '()
        (let ([n (quotient seed 1024)])
          (cons (cons (modulo n nodes) (+ 1 (modulo (quotient n 7) 100)))
                (go (+ i 1) (random-next seed)))))))

(define graph
  (let ([table (make-eqv-hashtable)])
    (do ([i 0 (+ i 1)]) ((= i nodes) table) (hashtable-set! table i (edges i)))))

; A skew heap of (distance . node), since Scheme has no ordered sets.
(define (before? a b) (or (< (car a) (car b)) (and (= (car a) (car b)) (< (cdr a) (cdr b)))))

(define (merge a b)
  (cond [(not a) b]
        [(not b) a]
        [(before? (vector-ref a 0) (vector-ref b 0))
         (vector (vector-ref a 0) (merge b (vector-ref a 2)) (vector-ref a 1))]
        [else (merge b a)]))

(define (insert queue item) (merge queue (vector item #f #f)))

(define (search)
  (let ([distances (make-eqv-hashtable)])
    (hashtable-set! distances 0 0)
    (let go ([queue (insert #f (cons 0 0))])
      (if (not queue) distances
          (let* ([distance (car (vector-ref queue 0))] [node (cdr (vector-ref queue 0))]
                 [rest (merge (vector-ref queue 1) (vector-ref queue 2))])
            (if (not (= distance (hashtable-ref distances node #f)))
                (go rest)
                (go (fold-left
                      (lambda (queue edge)
                        (let ([there (+ distance (cdr edge))]
                              [known (hashtable-ref distances (car edge) #f)])
                          (if (and known (>= there known)) queue
                              (begin
                                (hashtable-set! distances (car edge) there)
                                (insert queue (cons there (car edge)))))))
                      rest (hashtable-ref graph node #f)))))))))

(define distances (search))

(show
  (let go ([node 0] [acc 0])
    (if (= node nodes) (+ acc (* 1000003 (hashtable-size distances)))
        (let ([d (hashtable-ref distances node #f)])
          (go (+ node 1) (if d (modulo (+ (* 31 acc) (* d node)) 1000003) acc))))))
