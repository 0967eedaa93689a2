; An alignment is of the page's number, which is its index and what the block begins with: mirrors src/search.rs, for
; every index.
;
; How to read it: see bits.smt2. `skew` is the number of the page with index 0.
(set-logic QF_BV)
(define-sort Word () (_ BitVec 64))

(define-fun bit ((word Word) (position Word)) Bool (= (bvand (bvlshr word position) #x0000000000000001) #x0000000000000001))
(define-fun is_power_of_two ((n Word)) Bool
  (and (not (= n #x0000000000000000)) (= (bvand n (bvsub n #x0000000000000001)) #x0000000000000000)))
(define-fun is_multiple ((n Word) (of Word)) Bool (= (bvand n (bvsub of #x0000000000000001)) #x0000000000000000))

; Wanted::slack
(define-fun slack ((index Word) (skew Word) (align Word)) Word
  (bvand (bvsub #x0000000000000000 (bvadd index skew)) (bvsub align #x0000000000000001)))

; bits::aligned_positions, which is computed otherwise (bits.smt2): the same seven words
(define-fun aligned_positions ((align_pages Word)) Word
  (ite (= align_pages #x0000000000000001) #xffffffffffffffff
  (ite (= align_pages #x0000000000000002) #x5555555555555555
  (ite (= align_pages #x0000000000000004) #x1111111111111111
  (ite (= align_pages #x0000000000000008) #x0101010101010101
  (ite (= align_pages #x0000000000000010) #x0001000100010001
  (ite (= align_pages #x0000000000000020) #x0000000100000001 #x0000000000000001)))))))

; Wanted::positions
(define-fun positions ((index Word) (skew Word) (align Word)) Word
  (ite (bvule align #x0000000000000040)
    (aligned_positions align)
    (ite (= (slack index skew align) #x0000000000000000) #x0000000000000001 #x0000000000000000)))

; As many pages as the slack says lie before the next multiple, and no multiple among them.
(push 1)
(declare-const index Word)
(declare-const skew Word)
(declare-const align Word)
(declare-const less Word)
(assert (is_power_of_two align))
(set-info :status sat)
(check-sat)
(assert (not (and
  (bvult (slack index skew align) align)
  (is_multiple (bvadd (bvadd index skew) (slack index skew align)) align)
  (=> (bvult less (slack index skew align)) (not (is_multiple (bvadd (bvadd index skew) less) align))))))
(set-info :status unsat)
(check-sat)
(pop 1)

; A word's positions are those whose page's number is a multiple of the alignment, where a block begins at a multiple of
; 512 pages and a word at a multiple of 64.
(push 1)
(declare-const index Word)
(declare-const skew Word)
(declare-const align Word)
(declare-const position Word)
(assert (is_power_of_two align))
(assert (and (is_multiple index #x0000000000000040) (is_multiple skew #x0000000000000200)))
(assert (bvult position #x0000000000000040))
(set-info :status sat)
(check-sat)
(assert (not (= (bit (positions index skew align) position)
  (is_multiple (bvadd (bvadd index skew) position) align))))
(set-info :status unsat)
(check-sat)
(pop 1)
