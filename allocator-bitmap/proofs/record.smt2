; Four numbers packed into a word, for all that a chunk can have: mirrors ChunkRecord in src/summary.rs.
;
; How to read it: see bits.smt2.
(set-logic QF_BV)
(define-sort Word () (_ BitVec 64))

(define-fun lesser ((a Word) (b Word)) Word (ite (bvult a b) a b))

; ChunkRecord::new; `hidden_of` is what of a block and the longest run is kept.
(define-fun hidden_of ((longest Word) (block Word)) Word
  (ite (= block #x0000000000000000)
    #x0000000000000000
    (lesser (bvsub (bvshl block #x0000000000000001) #x0000000000000001) longest)))
(define-fun packed ((start Word) (longest Word) (end Word) (block Word)) Word
  (bvor (bvor start (bvshl longest #x000000000000000c))
    (bvor (bvshl end #x0000000000000018) (bvshl (hidden_of longest block) #x0000000000000024))))
; ChunkRecord::summary
(define-fun start_of ((record Word)) Word (bvand record #x0000000000000fff))
(define-fun longest_of ((record Word)) Word (bvand (bvlshr record #x000000000000000c) #x0000000000000fff))
(define-fun end_of ((record Word)) Word (bvand (bvlshr record #x0000000000000018) #x0000000000000fff))
; ChunkRecord::block, by the one power of two that is not above what is hidden while its double is; ChunkRecord::hidden
(define-fun hidden_in ((record Word)) Word (bvand (bvlshr record #x0000000000000024) #x0000000000000fff))
(define-fun is_block_of ((block Word) (record Word)) Bool
  (ite (= (hidden_in record) #x0000000000000000)
    (= block #x0000000000000000)
    (and
      (= (bvand block (bvsub block #x0000000000000001)) #x0000000000000000)
      (bvule block (hidden_in record))
      (bvult (hidden_in record) (bvshl block #x0000000000000001)))))

; Each number comes back as it was, whatever flags stand above bit 47: the largest block, which is no longer than the longest
; run, too.
(push 1)
(declare-const start Word)
(declare-const longest Word)
(declare-const end Word)
(declare-const block Word)
(declare-const flags Word)
(assert (and (bvule start #x0000000000000200) (bvule longest #x0000000000000200) (bvule end #x0000000000000200)))
(assert (= (bvand block (bvsub block #x0000000000000001)) #x0000000000000000))
(assert (and (bvule block longest) (= (= block #x0000000000000000) (= longest #x0000000000000000))))
(set-info :status sat)
(check-sat)
(assert (let ((record (bvor (packed start longest end block) (bvshl flags #x0000000000000030))))
  (not (and
    (bvult (packed start longest end block) #x0001000000000000)
    (= (start_of record) start)
    (= (longest_of record) longest)
    (= (end_of record) end)
    (is_block_of block record)))))
(set-info :status unsat)
(check-sat)
(pop 1)
