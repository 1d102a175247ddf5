; Every program includes this file: it starts the clocks when the program has been loaded.
(define (nanoseconds type)
  (let ([t (current-time type)])
    (+ (* 1000000000 (time-second t)) (time-nanosecond t))))

(define started (nanoseconds 'time-monotonic))
; The clock of the thread: under a limit of CPU time, Linux advances that of the process only once in 4 ms.
(define started-cpu (nanoseconds 'time-thread))

; Prints the result, then the elapsed time and the CPU time.
(define (show result)
  (display result) (newline)
  (let ([now (nanoseconds 'time-monotonic)] [cpu (nanoseconds 'time-thread)])
    (display "time: ")
    (display (- now started)) (display " ")
    (display (- cpu started-cpu)) (newline)))
