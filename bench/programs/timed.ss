; What every program begins with: the clocks it is timed by, from when it is loaded.
(define (nanoseconds type)
  (let ([t (current-time type)])
    (+ (* 1000000000 (time-second t)) (time-nanosecond t))))

(define started (nanoseconds 'time-monotonic))
(define started-cpu (nanoseconds 'time-process))

; Prints the result, then how long it took to have it there.
(define (show result)
  (display result) (newline)
  (let ([now (nanoseconds 'time-monotonic)] [cpu (nanoseconds 'time-process)])
    (display "time: ")
    (display (- now started)) (display " ")
    (display (- cpu started-cpu)) (newline)))
