// SPDX-License-Identifier: MIT
//
// Types of the vector unit.

package ig1_vec_pkg;
  // How a row's elements lie: one address for all, consecutive words, anything else.
  typedef enum logic [1:0] {
    ClassSame,
    ClassDense,
    ClassSparse
  } stride_class_e;

  // What travels with a chunk.
  typedef struct packed {
    logic [5:0] n;     // elements, 1 to Lanes
    logic       last;  // the row ends with it
  } chunk_t;

  function automatic stride_class_e stride_class(logic signed [15:0] s0);
    case (s0)
      16'sd0:  stride_class = ClassSame;
      16'sd1:  stride_class = ClassDense;
      default: stride_class = ClassSparse;
    endcase
  endfunction
endpackage
