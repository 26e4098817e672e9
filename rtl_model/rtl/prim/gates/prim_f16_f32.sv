// SPDX-License-Identifier: MIT
//
// Half to single, exact; any NaN becomes the canonical one. Combinational.
// C twin: ig1_f16_to_f32().

module prim_f16_f32 (
  input  logic [15:0] h_i,
  output logic [31:0] y_o
);
  logic [3:0] zeros;
  logic [8:0] norm;

  // a subnormal half is a normal single: its leading one becomes the hidden bit
  always_comb begin
    zeros = 4'd10;
    for (int unsigned i = 0; i < 10; i++) begin
      if (h_i[i]) zeros = 4'd9 - 4'(i);
    end
  end

  assign norm = h_i[8:0] << zeros;

  always_comb begin
    y_o = {h_i[15], {3'b000, h_i[14:10]} + 8'd112, h_i[9:0], 13'h0};
    if (h_i[14:10] == 5'd31) begin
      y_o = (h_i[9:0] == 10'h0) ? {h_i[15], 8'hff, 23'h0} : ig1_numbers_pkg::F32Nan;
    end else if (h_i[14:10] == 5'd0) begin
      y_o = (h_i[9:0] == 10'h0) ? {h_i[15], 31'h0} :
                                  {h_i[15], 8'd112 - {4'h0, zeros}, norm, 14'h0};
    end
  end
endmodule
