(include "timed.ss")

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define syllables '#("ka" "lo" "mi" "nu" "ra" "se" "ti" "vo"))

(define (word seed)
  (let* ([n (quotient seed 65536)]
         [part (lambda (shift) (vector-ref syllables (modulo (quotient n shift) 8)))])
    (apply string-append
      (list-head (list (part 3) (part 24) (part 192)) (+ 1 (modulo n 3))))))

(define (words n seed)
  (if (= n 0) '() (cons (word seed) (words (- n 1) (random-next seed)))))

(define (text n)
  (let ([ws (words n 42)])
    (apply string-append
      (car ws) (fold-right (lambda (w rest) (cons " " (cons w rest))) '() (cdr ws)))))

(define (split s)
  (let ([n (string-length s)])
    (let go ([start 0] [i 0])
      (cond [(= i n) (list (substring s start n))]
            [(char=? (string-ref s i) #\space)
             (cons (substring s start i) (go (+ i 1) (+ i 1)))]
            [else (go start (+ i 1))]))))

(define (counts text)
  (let ([table (make-hashtable string-hash string=?)])
    (for-each (lambda (w) (hashtable-update! table w (lambda (n) (+ n 1)) 0)) (split text))
    table))

(define (nat s)
  (let go ([i (- (string-length s) 1)] [n 0])
    (if (< i 0) n (go (- i 1) (+ (char->integer (string-ref s i)) (* 256 n))))))

(define (ranking table)
  (let-values ([(ws ns) (hashtable-entries table)])
    (list-sort
      (lambda (a b)
        (or (> (cdr a) (cdr b)) (and (= (cdr a) (cdr b)) (> (nat (car a)) (nat (car b))))))
      (map cons (vector->list ws) (vector->list ns)))))

(define (check pairs)
  (fold-left
    (lambda (acc p) (modulo (+ (cdr p) (* 31 (+ acc (nat (car p))))) 1000003))
    0 (list-head pairs 100)))

(show (check (ranking (counts (text 150000)))))
