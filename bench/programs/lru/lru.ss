(include "timed.ss")

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (request seed)
  (let ([x (quotient seed 65536)])
    (if (= 0 (modulo x 4)) (modulo x 9000) (modulo x 700))))

(define capacity 500)
(define entries (make-eqv-hashtable))  ; key -> (value . stamp)
(define order (make-eqv-hashtable))    ; stamp -> key
(define hits 0)

(define (store! key value clock)
  (hashtable-set! entries key (cons value clock))
  (hashtable-set! order clock key))

; The least stamp: stamps only grow.
(define (oldest from) (if (hashtable-contains? order from) from (oldest (+ from 1))))

(define (evict! least)
  (if (<= (hashtable-size entries) capacity) least
      (let ([stamp (oldest least)])
        (hashtable-delete! entries (hashtable-ref order stamp #f))
        (hashtable-delete! order stamp)
        stamp)))

(define (run n)
  (let go ([n n] [seed 1] [clock 0] [least 0] [sum 0])
    (if (= n 0) (+ sum (* 1000000000 hits))
        (let* ([key (request seed)] [entry (hashtable-ref entries key #f)])
          (if entry
              (begin
                (set! hits (+ hits 1))
                (hashtable-delete! order (cdr entry))
                (store! key (car entry) clock)
                (go (- n 1) (random-next seed) (+ clock 1) least (+ sum (car entry))))
              (let ([value (modulo (* key key) 9973)])
                (store! key value clock)
                (go (- n 1) (random-next seed) (+ clock 1) (evict! least) (+ sum value))))))))

(show (run 60000))
