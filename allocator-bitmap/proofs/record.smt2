; Three numbers packed into a word, for all that a chunk can have: mirrors ChunkRecord in src/summary.rs.
;
; How to read it: see bits.smt2.
(set-logic QF_BV)
(define-sort Word () (_ BitVec 64))

; ChunkRecord::new
(define-fun packed ((start Word) (longest Word) (end Word)) Word
  (bvor start (bvor (bvshl longest #x0000000000000010) (bvshl end #x0000000000000020))))
; ChunkRecord::summary
(define-fun start_of ((record Word)) Word (bvand record #x000000000000ffff))
(define-fun longest_of ((record Word)) Word (bvand (bvlshr record #x0000000000000010) #x000000000000ffff))
(define-fun end_of ((record Word)) Word (bvand (bvlshr record #x0000000000000020) #x000000000000ffff))

; Each number comes back as it was, whatever flags stand above bit 47.
(push 1)
(declare-const start Word)
(declare-const longest Word)
(declare-const end Word)
(declare-const flags Word)
(assert (and (bvule start #x0000000000000200) (bvule longest #x0000000000000200) (bvule end #x0000000000000200)))
(set-info :status sat)
(check-sat)
(assert (not (and
  (bvult (packed start longest end) #x0001000000000000)
  (= (start_of (bvor (packed start longest end) (bvshl flags #x0000000000000030))) start)
  (= (longest_of (bvor (packed start longest end) (bvshl flags #x0000000000000030))) longest)
  (= (end_of (bvor (packed start longest end) (bvshl flags #x0000000000000030))) end))))
(set-info :status unsat)
(check-sat)
(pop 1)
