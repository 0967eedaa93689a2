; Where a run may begin, for every page, alignment and boundary: mirrors src/request.rs.
;
; How to read it: see bits.smt2. A boundary of 0 stands for none.
(set-logic QF_BV)
(define-sort Word () (_ BitVec 64))

(define-fun is_power_of_two ((n Word)) Bool
  (and (not (= n #x0000000000000000)) (= (bvand n (bvsub n #x0000000000000001)) #x0000000000000000)))
(define-fun is_multiple ((n Word) (of Word)) Bool (= (bvand n (bvsub of #x0000000000000001)) #x0000000000000000))

; Request::admitted: `start`, and whether there is such a number
(define-fun start ((page Word) (align Word)) Word
  (bvand (bvadd page (bvsub align #x0000000000000001)) (bvnot (bvsub align #x0000000000000001))))
(define-fun has_start ((page Word) (align Word)) Bool
  (bvuge (bvadd page (bvsub align #x0000000000000001)) page))
; Request::admitted: `last`, and whether there is such a number
(define-fun last ((page Word) (align Word) (count Word)) Word
  (bvadd (start page align) (bvsub count #x0000000000000001)))
(define-fun has_last ((page Word) (align Word) (count Word)) Bool
  (bvuge (last page align count) (start page align)))
(define-fun crosses ((page Word) (align Word) (count Word) (boundary Word)) Bool
  (not (= (bvand (bvxor (start page align) (last page align count)) (bvnot (bvsub boundary #x0000000000000001)))
    #x0000000000000000)))
; Request::admitted: the place behind the boundary
(define-fun behind ((page Word) (align Word) (count Word) (boundary Word)) Word
  (start (bvand (last page align count) (bvnot (bvsub boundary #x0000000000000001))) align))
(define-fun has_behind ((page Word) (align Word) (count Word) (boundary Word)) Bool
  (has_start (bvand (last page align count) (bvnot (bvsub boundary #x0000000000000001))) align))

; Request::admitted: whether it returns something, and what
(define-fun admitted_is_some ((page Word) (align Word) (count Word) (boundary Word)) Bool
  (and (has_start page align)
    (or (= boundary #x0000000000000000)
      (and (has_last page align count)
        (or (not (crosses page align count boundary)) (has_behind page align count boundary))))))
(define-fun admitted ((page Word) (align Word) (count Word) (boundary Word)) Word
  (ite (or (= boundary #x0000000000000000) (not (crosses page align count boundary)))
    (start page align)
    (behind page align count boundary)))

; Request::ample without a boundary
(define-fun ample ((align Word) (count Word)) Word (bvadd count (bvsub align #x0000000000000001)))

; What is asked for: whether a run of `count` pages may begin at `page`. A boundary lies inside where the numbers of the
; first and of the last page differ above its bits.
(define-fun fits ((page Word) (align Word) (count Word) (boundary Word)) Bool
  (and (is_multiple page align)
    (or (= boundary #x0000000000000000)
      (and (bvuge (bvadd page (bvsub count #x0000000000000001)) page)
        (= (bvand page (bvnot (bvsub boundary #x0000000000000001)))
          (bvand (bvadd page (bvsub count #x0000000000000001)) (bvnot (bvsub boundary #x0000000000000001))))))))

; The page admitted is not below the page asked from, and fits.
(push 1)
(declare-const page Word)
(declare-const align Word)
(declare-const count Word)
(declare-const boundary Word)
(assert (and (is_power_of_two align) (bvuge count #x0000000000000001)))
(assert (or (= boundary #x0000000000000000) (and (is_power_of_two boundary) (bvuge boundary count))))
(assert (admitted_is_some page align count boundary))
(set-info :status sat)
(check-sat)
(assert (not (and
  (bvuge (admitted page align count boundary) page)
  (fits (admitted page align count boundary) align count boundary))))
(set-info :status unsat)
(check-sat)
(pop 1)

; No page between them fits, and if some page fits, one is admitted.
(push 1)
(declare-const page Word)
(declare-const other Word)
(declare-const align Word)
(declare-const count Word)
(declare-const boundary Word)
(assert (and (is_power_of_two align) (bvuge count #x0000000000000001)))
(assert (or (= boundary #x0000000000000000) (and (is_power_of_two boundary) (bvuge boundary count))))
(assert (and (bvuge other page) (fits other align count boundary)))
(set-info :status sat)
(check-sat)
(assert (not (and
  (admitted_is_some page align count boundary)
  (bvule (admitted page align count boundary) other))))
(set-info :status unsat)
(check-sat)
(pop 1)

; A free run of ample length has room for an aligned run, wherever it begins.
(push 1)
(declare-const page Word)
(declare-const align Word)
(declare-const count Word)
(assert (and (is_power_of_two align) (bvuge count #x0000000000000001)))
(assert (bvuge (ample align count) count))
(assert (bvuge (bvadd page (bvsub (ample align count) #x0000000000000001)) page))
(set-info :status sat)
(check-sat)
(assert (not (and
  (admitted_is_some page align count #x0000000000000000)
  (bvule (bvsub (admitted page align count #x0000000000000000) page) (bvsub (ample align count) count)))))
(set-info :status unsat)
(check-sat)
(pop 1)
