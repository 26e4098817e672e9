// SPDX-License-Identifier: MIT
//
// Byte lanes of loads and stores, combinational: byte enables and replicated write data on the way
// out, selection and extension on the way in. Accesses must be aligned; the core traps otherwise.

module ig1_mcu_lsu (
  input  logic [2:0]  funct3_i,
  input  logic [1:0]  offset_i,      // address bits 1:0
  output logic        misaligned_o,
  output logic [3:0]  be_o,
  input  logic [31:0] store_data_i,
  output logic [31:0] wdata_o,
  input  logic [31:0] rdata_i,
  output logic [31:0] load_data_o
);

  logic [15:0] shifted;

  assign shifted = 16'(rdata_i >> {offset_i, 3'b000});

  always_comb begin
    misaligned_o = 1'b0;
    be_o         = 4'b1111;
    wdata_o      = store_data_i;
    load_data_o  = rdata_i;
    unique case (funct3_i[1:0])
      2'b00: begin
        be_o        = 4'b0001 << offset_i;
        wdata_o     = {4{store_data_i[7:0]}};
        load_data_o = {{24{shifted[7] && !funct3_i[2]}}, shifted[7:0]};
      end
      2'b01: begin
        misaligned_o = offset_i[0];
        be_o         = offset_i[1] ? 4'b1100 : 4'b0011;
        wdata_o      = {2{store_data_i[15:0]}};
        load_data_o  = {{16{shifted[15] && !funct3_i[2]}}, shifted[15:0]};
      end
      default: misaligned_o = offset_i != 2'b00;
    endcase
  end

endmodule
