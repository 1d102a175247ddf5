(include "timed.ss")

(define bytes
  (let ([v (make-bytevector 1000000)])
    (do ([i 0 (+ i 1)]) ((= i 1000000) v)
      (bytevector-u8-set! v i (modulo (* i 31) 251)))))

(define (scan b bar)
  (let ([size (bytevector-length bar)])
    (let go ([i 0] [acc 0])
      (if (= i size) acc
          (go (+ i 1) (if (= b (bytevector-u8-ref bar i)) (+ acc i) acc))))))

(show (+ (scan 7 bytes) (scan 100 bytes)))
