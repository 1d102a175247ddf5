(include "timed.ss")

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define syllables '#("ka" "lo" "mi" "nu" "ra" "se" "ti" "vo"))

(define (parts n seed)
  (if (= n 0) '()
      (cons (vector-ref syllables (bitwise-bit-count (modulo (quotient seed 65536) 128)))
            (parts (- n 1) (random-next seed)))))

(define (text n) (string->utf8 (apply string-append (parts n 42))))

(define (compress bytes)
  (let ([table (make-eqv-hashtable)] [n (bytevector-length bytes)])
    (let go ([i 1] [code (bytevector-u8-ref bytes 0)] [codes '()])
      (if (= i n) (reverse (cons code codes))
          (let* ([c (bytevector-u8-ref bytes i)]
                 [key (+ c (* 256 code))]
                 [known (hashtable-ref table key #f)])
            (if known (go (+ i 1) known codes)
                (begin
                  (hashtable-set! table key (+ 256 (hashtable-size table)))
                  (go (+ i 1) c (cons code codes)))))))))

(define (snoc bytes c)
  (let* ([n (bytevector-length bytes)] [v (make-bytevector (+ n 1))])
    (bytevector-copy! bytes 0 v 0 n)
    (bytevector-u8-set! v n c)
    v))

(define (bytevector-concat parts)
  (let* ([n (apply + (map bytevector-length parts))] [v (make-bytevector n)])
    (let go ([i 0] [parts parts])
      (if (null? parts) v
          (let ([size (bytevector-length (car parts))])
            (bytevector-copy! (car parts) 0 v i size)
            (go (+ i size) (cdr parts)))))))

(define (decompress codes)
  (let ([table (make-eqv-hashtable)] [first (bytevector (car codes))])
    (let go ([codes (cdr codes)] [last first] [parts (list first)])
      (if (null? codes) (bytevector-concat (reverse parts))
          (let* ([code (car codes)] [next (+ 256 (hashtable-size table))]
                 [part (cond [(= code next) (snoc last (bytevector-u8-ref last 0))]
                             [(< code 256) (bytevector code)]
                             [else (hashtable-ref table code #f)])])
            (hashtable-set! table next (snoc last (bytevector-u8-ref part 0)))
            (go (cdr codes) part (cons part parts)))))))

(define (check l)
  (fold-left (lambda (acc x) (modulo (+ x (* 31 acc)) 1000003)) 0 l))

(define (result bytes)
  (let ([codes (compress bytes)])
    (if (bytevector=? (decompress codes) bytes)
        (+ (check codes) (* 1000003 (length codes)))
        'different)))

(show (result (text 200000)))
