(include "timed.ss")

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (text n)
  (let ([v (make-bytevector n)])
    (let go ([i 0] [seed 42])
      (if (= i n) v
          (begin
            (bytevector-u8-set! v i (bitwise-bit-count (modulo (quotient seed 256) 16384)))
            (go (+ i 1) (random-next seed)))))))

(define (frequencies bytes)
  (let ([table (make-eqv-hashtable)])
    (do ([i 0 (+ i 1)]) ((= i (bytevector-length bytes)) table)
      (hashtable-update! table (bytevector-u8-ref bytes i) (lambda (n) (+ n 1)) 0))))

; The queue is a list of (weight . tree), the lightest first.
(define (insert p queue)
  (if (or (null? queue) (< (car p) (caar queue))) (cons p queue)
      (cons (car queue) (insert p (cdr queue)))))

(define (build queue)
  (let ([a (car queue)] [rest (cdr queue)])
    (if (null? rest) (cdr a)
        (let ([b (car rest)])
          (build (insert (cons (+ (car a) (car b)) (cons (cdr a) (cdr b))) (cdr rest)))))))

(define (codes path table tree)
  (if (pair? tree)
      (begin
        (codes (cons 0 path) table (car tree))
        (codes (cons 1 path) table (cdr tree)))
      (hashtable-set! table tree (reverse path))))

(define (encode table bytes)
  (apply append
    (map (lambda (c) (hashtable-ref table c #f)) (bytevector->u8-list bytes))))

(define (decode root bits)
  (let go ([tree root] [bits bits] [done '()])
    (cond [(not (pair? tree)) (go root bits (cons tree done))]
          [(null? bits) (reverse done)]
          [else (go (if (= 0 (car bits)) (car tree) (cdr tree)) (cdr bits) done)])))

(define (check l)
  (fold-left (lambda (acc x) (modulo (+ x (* 31 acc)) 1000003)) 0 l))

(define (result bytes)
  (let-values ([(cs ns) (hashtable-entries (frequencies bytes))])
    (let* ([queue (fold-left (lambda (q p) (insert p q)) '()
                    (map cons (vector->list ns) (vector->list cs)))]
           [tree (build queue)] [table (make-eqv-hashtable)])
      (codes '() table tree)
      (let ([bits (encode table bytes)])
        (+ (check (decode tree bits)) (* 1000003 (length bits)))))))

(show (result (text 300000)))
