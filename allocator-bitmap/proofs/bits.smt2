; Runs of ones in a word, for every word: mirrors src/bits.rs.
;
; A claim is asserted negated. `sat` is expected of what it presumes, so that it is about something, and `unsat` of its
; negation, so that it holds for all values. The functions that mirror Rust are named as they are there; src/proofs.rs
; compares the two on many values.
(set-logic QF_BV)
(define-sort Word () (_ BitVec 64))

; Whether bit `position` of `word` is one; positions from 64 on are none.
(define-fun bit ((word Word) (position Word)) Bool (= (bvand (bvlshr word position) #x0000000000000001) #x0000000000000001))

; fn ones
(define-fun ones ((first Word) (count Word)) Word
  (bvshl (bvlshr #xffffffffffffffff (bvsub #x0000000000000040 count)) first))

; fn run_starts: one turn of its loop
(define-fun doubled ((starts Word) (marked Word) (length Word)) Word
  (ite (bvule (bvadd marked marked) length) (bvand starts (bvlshr starts marked)) starts))

; fn run_starts: `marked` behind the loop
(define-fun marked ((length Word)) Word
  (ite (bvuge length #x0000000000000040) #x0000000000000040
  (ite (bvuge length #x0000000000000020) #x0000000000000020
  (ite (bvuge length #x0000000000000010) #x0000000000000010
  (ite (bvuge length #x0000000000000008) #x0000000000000008
  (ite (bvuge length #x0000000000000004) #x0000000000000004
  (ite (bvuge length #x0000000000000002) #x0000000000000002 #x0000000000000001)))))))

; fn longest_run_above: one turn of its loop; and the end of fn run_starts
(define-fun lengthened ((starts Word) (step Word)) Word (bvand starts (bvlshr starts step)))

; fn run_starts
(define-fun run_starts ((word Word) (length Word)) Word
  (let ((after1 (doubled word #x0000000000000001 length)))
  (let ((after2 (doubled after1 #x0000000000000002 length)))
  (let ((after4 (doubled after2 #x0000000000000004 length)))
  (let ((after8 (doubled after4 #x0000000000000008 length)))
  (let ((after16 (doubled after8 #x0000000000000010 length)))
  (let ((after32 (doubled after16 #x0000000000000020 length)))
  (lengthened after32 (bvsub length (marked length))))))))))

; fn aligned_positions
(define-fun aligned_positions ((align_pages Word)) Word
  (bvudiv #xffffffffffffffff (ones #x0000000000000000 align_pages)))

; `ones` has exactly the bits from `first` to before `first + count`.
(push 1)
(declare-const first Word)
(declare-const count Word)
(declare-const position Word)
(assert (and (bvuge count #x0000000000000001) (bvule count #x0000000000000040)))
(assert (bvule first (bvsub #x0000000000000040 count)))
(assert (bvult position #x0000000000000040))
(set-info :status sat)
(check-sat)
(assert (not (= (bit (ones first count) position)
  (and (bvule first position) (bvult position (bvadd first count))))))
(set-info :status unsat)
(check-sat)
(pop 1)

; Where `run_starts` has a one, `length` ones begin: all of them lie in the word.
(push 1)
(declare-const word Word)
(declare-const length Word)
(declare-const position Word)
(declare-const inside Word)
(assert (and (bvuge length #x0000000000000001) (bvule length #x0000000000000040)))
(assert (bvult position #x0000000000000040))
(assert (bit (run_starts word length) position))
(assert (bvult inside length))
(set-info :status sat)
(check-sat)
(assert (not (and (bvule (bvadd position length) #x0000000000000040) (bit word (bvadd position inside)))))
(set-info :status unsat)
(check-sat)
(pop 1)

; Where `length` ones begin, `run_starts` has a one.
(push 1)
(declare-const word Word)
(declare-const length Word)
(declare-const position Word)
(assert (and (bvuge length #x0000000000000001) (bvule length #x0000000000000040)))
(assert (bvule position (bvsub #x0000000000000040 length)))
(assert (= (bvand word (ones position length)) (ones position length)))
(set-info :status sat)
(check-sat)
(assert (not (bit (run_starts word length) position)))
(set-info :status unsat)
(check-sat)
(pop 1)

; Starts of `length` ones, lengthened by a step that is no longer, are the starts of so many more; and none, if a word
; has not so many. So the loop of longest_run_above keeps `starts` what its comment says, and ends, at a step of 1 that
; finds nothing, with the longest.
(push 1)
(declare-const word Word)
(declare-const length Word)
(declare-const step Word)
(assert (and (bvuge length #x0000000000000001) (bvule length #x0000000000000040)))
(assert (and (bvuge step #x0000000000000001) (bvule step length)))
(set-info :status sat)
(check-sat)
(assert (not (= (lengthened (run_starts word length) step)
  (ite (bvule (bvadd length step) #x0000000000000040) (run_starts word (bvadd length step)) #x0000000000000000))))
(set-info :status unsat)
(check-sat)
(pop 1)

; `aligned_positions` has exactly the bits whose position is a multiple of the alignment.
(push 1)
(declare-const align_pages Word)
(declare-const position Word)
(assert (or (= align_pages #x0000000000000001) (= align_pages #x0000000000000002) (= align_pages #x0000000000000004)
  (= align_pages #x0000000000000008) (= align_pages #x0000000000000010) (= align_pages #x0000000000000020)
  (= align_pages #x0000000000000040)))
(assert (bvult position #x0000000000000040))
(set-info :status sat)
(check-sat)
(assert (not (= (bit (aligned_positions align_pages) position)
  (= (bvand position (bvsub align_pages #x0000000000000001)) #x0000000000000000))))
(set-info :status unsat)
(check-sat)
(pop 1)
