(include "timed.ss")

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (strand n)
  (let ([s (make-string n)])
    (let go ([i 0] [seed 42])
      (if (= i n) s
          (begin
            (string-set! s i (string-ref "ACGT" (modulo (quotient seed 65536) 4)))
            (go (+ i 1) (random-next seed)))))))

(define (complement c)
  (case c [(#\A) #\T] [(#\C) #\G] [(#\G) #\C] [(#\T) #\A] [else c]))

; The text with a newline after each 60 characters.
(define (unlines s)
  (let* ([n (string-length s)] [rows (quotient (+ n 59) 60)]
         [text (make-string (+ n rows) #\newline)])
    (do ([i 0 (+ i 1)]) ((= i n) text)
      (string-set! text (+ i (quotient i 60)) (string-ref s i)))))

(define (join-lines text)
  (list->string (filter (lambda (c) (not (char=? c #\newline))) (string->list text))))

(define (reverse-complement text)
  (let* ([s (join-lines text)] [n (string-length s)] [t (make-string n)])
    (do ([i 0 (+ i 1)]) ((= i n) (unlines t))
      (string-set! t i (complement (string-ref s (- n i 1)))))))

(define (check text)
  (let ([n (string-length text)])
    (let go ([i 0] [acc 0])
      (if (= i n) acc
          (go (+ i 1)
              (modulo (+ (char->integer (string-ref text i)) (* 31 acc)) 1000003))))))

(define (rounds n text)
  (if (= n 0) (check text) (rounds (- n 1) (reverse-complement text))))

(show (rounds 101 (unlines (strand 60000))))
