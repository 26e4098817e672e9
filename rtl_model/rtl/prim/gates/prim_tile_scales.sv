// SPDX-License-Identifier: MIT
//
// Scales of the terms of one word of weights: of a group's first term and, where there is one, of
// its second or of the second group. Combinational.

module prim_tile_scales (
  input  logic [3:0]   fmt_i,
  /* verilator lint_off UNUSEDSIGNAL */  // most of it is codes
  input  logic [287:0] word_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output logic [31:0]  d0_o,
  output logic [31:0]  d1_o
);
  logic [15:0] second;
  logic [31:0] h0, h1;

  always_comb begin
    case (fmt_i)
      ig1_pkg::WfmtT20: second = word_i[95:80];
      ig1_pkg::WfmtB10: second = word_i[63:48];
      ig1_pkg::WfmtNv4: second = word_i[31:16];
      default:          second = word_i[159:144];
    endcase
  end

  prim_f16_f32 u_h0 (
    .h_i(word_i[15:0]),
    .y_o(h0)
  );
  prim_f16_f32 u_h1 (
    .h_i(second),
    .y_o(h1)
  );

  always_comb begin
    d0_o = h0;
    d1_o = h1;
    case (fmt_i)
      ig1_pkg::WfmtMx4: begin  // an fp32's upper half
        d0_o = {word_i[15:0], 16'h0};
        d1_o = {second, 16'h0};
      end
      ig1_pkg::WfmtQ41, ig1_pkg::WfmtQ51, ig1_pkg::WfmtQ6K, ig1_pkg::WfmtIq4: begin
        d0_o = word_i[31:0];
        d1_o = word_i[63:32];
      end
      default: ;
    endcase
  end
endmodule
