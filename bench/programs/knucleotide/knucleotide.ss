(include "timed.ss")

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (strand n)
  (let ([s (make-string n)])
    (let go ([i 0] [seed 42])
      (if (= i n) s
          (begin
            (string-set! s i (string-ref "ACGT" (modulo (quotient seed 65536) 4)))
            (go (+ i 1) (random-next seed)))))))

(define (count k dna)
  (let ([table (make-hashtable string-hash string=?)] [end (- (string-length dna) k)])
    (do ([i 0 (+ i 1)]) ((> i end) table)
      (hashtable-update! table (substring dna i (+ i k)) (lambda (n) (+ n 1)) 0))))

(define (nat key)
  (let go ([i (- (string-length key) 1)] [n 0])
    (if (< i 0) n (go (- i 1) (+ (char->integer (string-ref key i)) (* 256 n))))))

(define (check table)
  (let-values ([(keys counts) (hashtable-entries table)])
    (let go ([i 0] [acc 0])
      (if (= i (vector-length keys)) acc
          (let ([n (vector-ref counts i)])
            (go (+ i 1) (+ acc (* n n (modulo (nat (vector-ref keys i)) 1000003)))))))))

(define dna (strand 280000))

(show (apply + (map (lambda (k) (check (count k dna))) '(1 2 3 4 6))))
