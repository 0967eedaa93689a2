; Addresses, page numbers, and places in the bitmap, for every address: mirrors src/page_allocator.rs, src/contract.rs,
; src/layout.rs and src/span.rs, and the rounding of allocator-api/src/address.rs.
;
; How to read it: see bits.smt2. A page has 2^page_log2 bytes.
(set-logic QF_BV)
(define-sort Word () (_ BitVec 64))

(define-fun bit ((word Word) (position Word)) Bool (= (bvand (bvlshr word position) #x0000000000000001) #x0000000000000001))
(define-fun is_power_of_two ((n Word)) Bool
  (and (not (= n #x0000000000000000)) (= (bvand n (bvsub n #x0000000000000001)) #x0000000000000000)))

; address >> PAGE_LOG2
(define-fun number_of ((address Word) (page_log2 Word)) Word (bvlshr address page_log2))
; number << PAGE_LOG2
(define-fun address_of ((number Word) (page_log2 Word)) Word (bvshl number page_log2))
(define-fun page_size ((page_log2 Word)) Word (bvshl #x0000000000000001 page_log2))
; address::is_aligned
(define-fun is_aligned ((address Word) (align Word)) Bool
  (= (bvand address (bvsub align #x0000000000000001)) #x0000000000000000))

; address::align_up: what it returns, and whether it returns something
(define-fun align_up ((address Word) (align Word)) Word
  (bvand (bvadd address (bvsub align #x0000000000000001)) (bvnot (bvsub align #x0000000000000001))))
(define-fun align_up_is_some ((address Word) (align Word)) Bool
  (bvuge (bvadd address (bvsub align #x0000000000000001)) address))
; AddressRange::trimmed: whether it returns something, and its bounds
(define-fun trimmed_end ((last Word) (granule Word)) Word
  (bvand (bvadd last #x0000000000000001) (bvnot (bvsub granule #x0000000000000001))))
(define-fun trimmed_is_some ((start Word) (last Word) (granule Word)) Bool
  (and (align_up_is_some start granule)
    (ite (= (trimmed_end last granule) #x0000000000000000)
      (= last #xffffffffffffffff)
      (bvule (align_up start granule) (bvsub (trimmed_end last granule) #x0000000000000001)))))
(define-fun trimmed_last ((last Word) (granule Word)) Word
  (bvsub (trimmed_end last granule) #x0000000000000001))

; fn cover_of
(define-fun cover ((first Word)) Word (bvand first (bvnot #x00000000000001ff)))
(define-fun chunks ((first Word) (last Word)) Word
  (bvadd (bvudiv (bvsub last (cover first)) #x0000000000000200) #x0000000000000001))
; Span::covered
(define-fun covered_last ((first Word) (last Word)) Word
  (bvadd (cover first) (bvadd (bvmul (bvsub (chunks first last) #x0000000000000001) #x0000000000000200) #x00000000000001ff)))
; index / CHUNK_PAGES, index / WORD_PAGES, index % WORD_PAGES
(define-fun chunk_of ((index Word)) Word (bvudiv index #x0000000000000200))
(define-fun word_of ((index Word)) Word (bvudiv index #x0000000000000040))
(define-fun bit_of ((index Word)) Word (bvurem index #x0000000000000040))

; fn pieces: the mask of word `word`, one of those that it lists
(define-fun piece ((first Word) (last Word) (word Word)) Word
  (bvand
    (ite (= word (word_of first)) (bvshl #xffffffffffffffff (bit_of first)) #xffffffffffffffff)
    (ite (= word (word_of last))
      (bvlshr #xffffffffffffffff (bvsub #x000000000000003f (bit_of last)))
      #xffffffffffffffff)))

; The address of a page, and every address inside it, has the page's number.
(push 1)
(declare-const number Word)
(declare-const inside Word)
(declare-const page_log2 Word)
(assert (bvult page_log2 #x0000000000000040))
(assert (bvule number (bvlshr #xffffffffffffffff page_log2)))
(assert (bvult inside (page_size page_log2)))
(set-info :status sat)
(check-sat)
(assert (not (and
  (is_aligned (address_of number page_log2) (page_size page_log2))
  (= (number_of (bvadd (address_of number page_log2) inside) page_log2) number))))
(set-info :status unsat)
(check-sat)
(pop 1)

; An alignment in bytes of the address is the alignment in pages of the number.
(push 1)
(declare-const number Word)
(declare-const align Word)
(declare-const page_log2 Word)
(assert (bvult page_log2 #x0000000000000040))
(assert (bvule number (bvlshr #xffffffffffffffff page_log2)))
(assert (and (is_power_of_two align) (bvuge align (page_size page_log2))))
(set-info :status sat)
(check-sat)
(assert (not (and
  (is_power_of_two (bvlshr align page_log2))
  (= (is_aligned (address_of number page_log2) align) (is_aligned number (bvlshr align page_log2))))))
(set-info :status unsat)
(check-sat)
(pop 1)

; align_up: the smallest multiple that is not below, and nothing exactly if there is none.
(push 1)
(declare-const address Word)
(declare-const align Word)
(declare-const multiple Word)
(assert (is_power_of_two align))
(set-info :status sat)
(check-sat)
(assert (not (and
  (=> (align_up_is_some address align)
    (and (is_aligned (align_up address align) align) (bvuge (align_up address align) address)))
  (=> (and (is_aligned multiple align) (bvuge multiple address))
    (and (align_up_is_some address align) (bvule (align_up address align) multiple))))))
(set-info :status unsat)
(check-sat)
(pop 1)

; trimmed: a granule lies in a range exactly if it lies in the range trimmed.
(push 1)
(declare-const start Word)
(declare-const last Word)
(declare-const granule Word)
(declare-const at Word)
(assert (and (is_power_of_two granule) (bvule start last) (is_aligned at granule)))
(set-info :status sat)
(check-sat)
(assert (not (=
  (and (bvule start at) (bvule (bvadd at (bvsub granule #x0000000000000001)) last))
  (and (trimmed_is_some start last granule) (bvule (align_up start granule) at)
    (bvule (bvadd at (bvsub granule #x0000000000000001)) (trimmed_last last granule))))))
(set-info :status unsat)
(check-sat)
(pop 1)

; A block covers whole chunks, from a multiple of 512 on, to the chunk of the last page and no further, and the number
; of the last page covered is a number.
(push 1)
(declare-const first Word)
(declare-const last Word)
(assert (bvule first last))
(set-info :status sat)
(check-sat)
(assert (not (and
  (bvule (cover first) first)
  (bvult (bvsub first (cover first)) #x0000000000000200)
  (is_aligned (cover first) #x0000000000000200)
  (bvuge (covered_last first last) last)
  (bvult (bvsub (covered_last first last) last) #x0000000000000200))))
(set-info :status unsat)
(check-sat)
(pop 1)

; An index is its word's first index and its bit, and its word is one of the eight of its chunk.
(push 1)
(declare-const index Word)
(set-info :status sat)
(check-sat)
(assert (not (and
  (bvult (bit_of index) #x0000000000000040)
  (= (bvadd (bvmul (word_of index) #x0000000000000040) (bit_of index)) index)
  (= (bvudiv (word_of index) #x0000000000000008) (chunk_of index))
  (bvule (bvmul (chunk_of index) #x0000000000000200) index)
  (bvult (bvsub index (bvmul (chunk_of index) #x0000000000000200)) #x0000000000000200))))
(set-info :status unsat)
(check-sat)
(pop 1)

; A piece has exactly the bits of the pages from the first to the last.
(push 1)
(declare-const first Word)
(declare-const last Word)
(declare-const index Word)
(assert (bvule first last))
(assert (and (bvule (word_of first) (word_of index)) (bvule (word_of index) (word_of last))))
(set-info :status sat)
(check-sat)
(assert (not (= (bit (piece first last (word_of index)) (bit_of index)) (and (bvule first index) (bvule index last)))))
(set-info :status unsat)
(check-sat)
(pop 1)
