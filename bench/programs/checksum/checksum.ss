(include "timed.ss")

(define table
  (let ([v (make-vector 256)])
    (do ([n 0 (+ n 1)]) ((= n 256) v)
      (vector-set! v n
        (let go ([c n] [k 8])
          (if (= k 0) c
              (go (if (odd? c) (logxor #xedb88320 (ash c -1)) (ash c -1)) (- k 1))))))))

(define (crc bytes)
  (let ([n (bytevector-length bytes)])
    (let go ([i 0] [c #xffffffff])
      (if (= i n) (logxor c #xffffffff)
          (go (+ i 1)
              (logxor (vector-ref table (logand 255 (logxor c (bytevector-u8-ref bytes i)))) (ash c -8)))))))

(define (adler bytes)
  (let ([n (bytevector-length bytes)])
    (let go ([i 0] [a 1] [b 0])
      (if (= i n) (+ a (* 65536 b))
          (let ([a (modulo (+ a (bytevector-u8-ref bytes i)) 65521)])
            (go (+ i 1) a (modulo (+ a b) 65521)))))))

(define word (- (expt 2 64) 1))

(define (mixed bytes)
  (let ([n (bytevector-length bytes)])
    (let go ([i 0] [h #xcbf29ce484222325])
      (if (= i n) h
          (let* ([h (logand word (* (logxor h (bytevector-u8-ref bytes i)) #x100000001b3))]
                 [h (logxor h (ash h -29))])
            (go (+ i 1) (logor (logand word (ash h 7)) (ash h -57))))))))

(define (next x)
  (let* ([x (logxor x (logand word (ash x 13)))]
         [x (logxor x (ash x -7))])
    (logxor x (logand word (ash x 17)))))

(define (bytes n)
  (let ([v (make-bytevector n)])
    (let go ([i 0] [x 88172645463325252])
      (if (= i n) v
          (begin (bytevector-u8-set! v i (ash x -56))
                 (go (+ i 1) (next x)))))))

(let ([v (bytes 1000000)])
  (show (+ (crc v) (* (expt 2 32) (adler v)) (* (expt 2 64) (mixed v)))))
