/** The symbols of plotting, our own: lines on a field of 24 by 24, drawn white on a disc of the mark's colour. */
export const SYMBOLS: Record<string, string> = {
  command: "M7 20V4M7 4.500h11l-3 3.750 3 3.750H7",
  fire: "M12.500 3c.5 4 5 6 5 11a5.500 5.500 0 0 1-11 0c0-3 2.500-4.500 2.500-7.500 2 1 2.800 2.200 3 4 1.200-2 1.400-4.500.5-7.500z",
  flood: "M3 8c3-3 6 3 9 0s6 3 9 0M3 13c3-3 6 3 9 0s6 3 9 0M3 18c3-3 6 3 9 0s6 3 9 0",
  closure: "M4 8h16v6H4zM8 8l4 6M14 8l4 6M7 14v6M17 14v6",
  evacuation: "M12 16V4M7 9l5-5 5 5M4 14v6h16v-6",
  medical: "M12 5v14M5 12h14",
  crane: "M8 21V3M8 6h13M8 3 3 7h5M18 6v6M5 21h6",
  excavation: "M3 20h18M4 20l2-6h6l1 6M11 14l4-8 5 4-2 5",
  collapse: "M4 20V10l5-5v7l4-4v6l3-3 4 9z",
  leak: "M3 5h18M3 10h6M15 10h6M12 11c2 3 3.500 4.500 3.500 6.200a3.500 3.500 0 0 1-7 0C8.500 15.500 10 14 12 11z",
  supplies: "M4 8l8-4 8 4v9l-8 4-8-4zM4 8l8 4 8-4M12 12v9",
  pin: "M12 21s7-7 7-12a7 7 0 0 0-14 0c0 5 7 12 7 12zM12 8.500v1",
};
