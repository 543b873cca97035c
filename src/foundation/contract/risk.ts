/** How much harm a wrong prediction can do, as the charter says. */
export const riskLevels = ['minimal', 'limited', 'high'] as const;
